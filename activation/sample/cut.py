from activation.home import Home
def copy_cut(home: Home) -> dict[str,int]:
    return {}
