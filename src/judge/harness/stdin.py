# Runs a program as a plain script. The tuple at the end has the modules of the prelude that it may need: names of theirs are
# there without an import, as builtins.

def _run(modules):
    import builtins
    import sys
    path = sys.argv[0] = sys.argv[1]
    del sys.argv[1]
    with open(path, 'rb') as file:
        source = file.read()
    code = compile(source, path, 'exec', dont_inherit=True)
    _prelude(modules)
    scope = sys.modules['__main__'].__dict__
    scope.clear()
    scope.update(__name__='__main__', __builtins__=builtins, __file__=path, __doc__=None, __package__=None,
                 __spec__=None, __loader__=None)
    exec(code, scope)


_run(@MODULES@)
