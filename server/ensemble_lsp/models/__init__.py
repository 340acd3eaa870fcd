"""Everything that speaks to a model: the protocol, an adapter a provider, policies that wrap models."""
