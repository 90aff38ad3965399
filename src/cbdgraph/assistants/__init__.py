"""The graph for assistants: a service in, tools and resources of the Model Context Protocol out; holds no data.

Every tool is a request to a route of the service, in this process or at an address, so that the same limits hold and
the same words come back. It needs what `pip install 'cbdgraph[assistants]'` brings.
"""
