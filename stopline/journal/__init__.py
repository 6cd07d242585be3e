"""The append-only record in a database: plans, intents, receipts, holds, pauses, events.

`database` is the connections, `store` the hash chain, `writes` is what the engine asks on its
write path, `pauses` is what people and workflows ask.
"""
