"""The Slack app: `/customer`, mentions, shortcuts and a home tab, made from the registry of use cases; answers are private first."""
