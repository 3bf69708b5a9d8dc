"""What is sent to people and programs: reports as messages, the worker over the outbox, and what people do about deliveries."""
