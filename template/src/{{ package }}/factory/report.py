"""stub"""


def render(a):
    return "<html></html>"
