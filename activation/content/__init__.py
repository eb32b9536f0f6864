"""Message content: templates read, checked, versioned and rendered."""

from activation.content.loading import PARTS, TEMPLATES, load_templates
from activation.content.rendering import one_line, render, templates_table
from activation.unsubscribe import unsubscribe_url, unsubscribe_urls

__all__ = [
    "PARTS",
    "TEMPLATES",
    "load_templates",
    "one_line",
    "render",
    "templates_table",
    "unsubscribe_url",
    "unsubscribe_urls",
]
