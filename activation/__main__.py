"""``python -m activation`` is ``muster``."""

from activation.cli import main

if __name__ == "__main__":
    main()
