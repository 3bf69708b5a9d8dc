"""customer-research: know one operator before the call, with a receipt for every figure."""
