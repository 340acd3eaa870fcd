"""What runs inside the sandbox's process: nothing here imports anything but the standard library."""
