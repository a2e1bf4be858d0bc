"""What can make every later figure untrustworthy, a file a kind of finding."""
