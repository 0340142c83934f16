"""Changes carried out as operations, and what came of them."""
