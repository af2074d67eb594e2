"""Alembic's entry: migrate on the connection that ``Database.upgrade`` hands in."""

from alembic import context

from ml_connector.store.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=False,  # the caller's transaction is the transaction
)
context.run_migrations()
