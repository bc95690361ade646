"""Job files: schema, defaults and presets."""
