"""How weights are trained: trainer, batches, packing, order, checkpoints."""
