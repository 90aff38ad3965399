"""The review desk as pages and as an API: requests in, reviews and pages out; the graph is only ever read."""
