"""Which model for which request: complexity, features, and the selectors."""
