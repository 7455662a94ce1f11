"""`python -m server_app`, and the entry of the one-file executable."""

import sys

from server_app.cli.main import main

sys.exit(main())
