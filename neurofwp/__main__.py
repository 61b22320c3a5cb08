"""`python -m neurofwp`, and `torchrun -m neurofwp`: the command line."""

import sys

from neurofwp.cli import main

sys.exit(main())
