"""`python -m skiagram` is the command `skiagram`."""

import sys

from skiagram.cli.main import main

sys.exit(main())
