"""A process that writes to the simulator from several flows at once, each of them ten calls at a time.

    python writing_process.py FOLDER URL FLOWS BATCHES NAME

Says "ready", waits for a line, writes, and says how many records stand there.
"""

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from ml_connector.connectors.zoho_crm import ZohoConfig, ZohoTarget, open_client
from ml_connector.core.ports import Write, Written
from zoho_guards import MemoryShelf, guarded


class SystemClock:
    now = staticmethod(lambda: datetime.now(UTC))
    sleep = staticmethod(time.sleep)


def write(target, name, flow, batches):
    """Batches of 100, which are heavy calls, and after each a light one."""

    def one(number):
        fields = [{"Account_Name": f"{name} {flow} {number} {place}"} for place in range(100)]
        done = target.write("Accounts", [Write(f) for f in fields])
        (first, *_) = done
        target.read("Accounts", [first.target_id], ["Account_Name"])
        return sum(isinstance(result, Written) for result in done)

    with ThreadPoolExecutor(10) as pool:
        return sum(pool.map(one, range(batches)))


def main(folder, url, flows, batches, name):
    config = ZohoConfig(
        data_centre="us", client_id="1000.SIMULATEDCLIENT", simulator_url=url, edition="standard"
    )
    gate, guard = guarded(Path(folder), config, SystemClock())
    client = open_client(
        config,
        lambda: "simulated-client-secret",
        lambda: "1000.simulated.refresh",
        MemoryShelf(),
        guard,
        SystemClock(),
    )
    with closing(gate), closing(ZohoTarget(client)) as target, ThreadPoolExecutor(int(flows)) as pool:
        target.describe("Accounts")
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        done = pool.map(lambda flow: write(target, name, flow, int(batches)), range(int(flows)))
        sys.stdout.write(f"written {sum(done)}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
