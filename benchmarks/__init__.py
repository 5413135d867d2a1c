"""Benchmarks: each prints one table, peers measured side by side in the same run."""
