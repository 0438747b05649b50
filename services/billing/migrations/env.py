from shared.prepare import run_migrations

run_migrations()
