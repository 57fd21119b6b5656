"""Recognition in processes of its own, so that a crash in native code costs one decoding."""
