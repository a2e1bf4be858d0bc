"""The page of each study, named like the study."""
