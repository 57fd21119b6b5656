"""The durable store: schema, migrations, the journal and what is read from it."""
