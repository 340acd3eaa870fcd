"""What the user gets: completion, explanation, generation. No protocol, no provider in here."""
