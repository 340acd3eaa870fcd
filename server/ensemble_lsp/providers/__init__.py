"""Providers: one folder and one ``ProviderSpec`` each."""
