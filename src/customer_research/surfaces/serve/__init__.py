"""One program that does everything by itself: schedules, deliveries, and the servers for agents and Slack, together or apart."""
