"""What an operator looks at when something is wrong: settings, database, topics, disk, models, clocks."""
