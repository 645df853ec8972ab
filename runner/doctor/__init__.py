"""Is this machine fit? A verdict for each part of it that a run needs, by trying it, with what mends it."""
