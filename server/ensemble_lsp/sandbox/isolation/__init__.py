"""The scripts that run inside a sandbox's process. They import nothing but the standard library."""
