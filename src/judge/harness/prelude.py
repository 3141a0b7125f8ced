# Stands before the other scripts. Names of the modules are there without an import, as builtins.

def _prelude(modules):
    import builtins
    import sys
    sys.setrecursionlimit(50000)
    own = set(dir(builtins))
    for module in modules:
        loaded = __import__(module)
        for name in getattr(loaded, '__all__', None) or [name for name in dir(loaded) if name[0] != '_']:
            if name not in own:
                setattr(builtins, name, getattr(loaded, name))
    for module in modules:
        setattr(builtins, module, sys.modules[module])


