"""The pages of reports: templates and plots for comparisons and the history."""
