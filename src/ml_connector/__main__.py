"""What ``python -m ml_connector`` runs."""

from ml_connector.cli import main

main()
