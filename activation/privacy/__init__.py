"""What the law asks about people: how long they are held, what is held on one of them, and forgetting them."""
