"""The gate of exports: is what was written the model that was measured?"""
