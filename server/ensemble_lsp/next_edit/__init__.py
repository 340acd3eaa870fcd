"""The task ``edit``: predict the next edit from the edits just made, the cursor and the file."""
