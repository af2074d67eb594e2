"""`python -m ml_connector.simulators.zoho [options as a JSON object]`: prints its URL, runs until interrupted."""

import json
import signal
import sys

from ml_connector.simulators.zoho.options import ZohoOptions
from ml_connector.simulators.zoho.server import serve_forever


def main() -> None:
    """Runs a simulator with the options of the first argument."""
    options = ZohoOptions(**json.loads(sys.argv[1])) if len(sys.argv) > 1 else ZohoOptions()

    def announce(url: str) -> None:
        sys.stdout.write(f"{url}\n")
        sys.stdout.flush()

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    serve_forever(options, announce)


if __name__ == "__main__":
    main()
