"""skiagram: is a deep network worth it over classical features, by how much and how surely?"""
