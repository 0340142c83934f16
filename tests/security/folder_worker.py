"""A worker whose queue is a folder of files: a broker on which no transport of ours checks.

python -m tests.security.folder_worker FOLDER.
"""

import sys

from worker.app import app


def main() -> None:
    """Run the worker."""
    folder = sys.argv[1]
    app.conf.broker_transport_options = {
        "data_folder_in": folder,
        "data_folder_out": folder,
        "control_folder": f"{folder}/control",
    }
    app.worker_main(["worker", "--loglevel", "info"])


if __name__ == "__main__":
    main()
