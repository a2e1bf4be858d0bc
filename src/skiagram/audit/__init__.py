"""What can make every later figure untrustworthy, one file per kind of finding."""
