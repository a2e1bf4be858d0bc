"""Radiomics features of images and regions that are at hand, without a pipeline."""
