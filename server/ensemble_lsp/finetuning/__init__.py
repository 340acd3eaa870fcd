"""Fine-tuning data and provider jobs."""
