"""What providers report back, brought into the inbox by the landing contract: pulled from an API or pushed as files.

Files that a webhook or a mail server pushes lie in ``feedback/<source>/`` of the home until they are collected.
``collected/<source>/`` keeps digests of the events that were seen and a cursor, so that nothing comes twice.
"""
