"""What this tool costs, as ratios against the plainest way to do the same: measured side by side, in one run.

`make bench` runs every module and writes RESULTS.md. No module here may know why the product is fast or slow: each
drives it from outside, or through its flows, and compares. Quotas and time under them are `quota`'s part.
"""
