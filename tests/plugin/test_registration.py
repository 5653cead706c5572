from tests.fresh_python import run


def test_plugin_that_did_not_load_is_seen() -> None:
    code = """
        import verl
        from speciarl_verl.plugin.replay_buffer import SpeciaRLReplayBuffer
        try:
            SpeciaRLReplayBuffer(sampler_kwargs={})
        except RuntimeError as error:
            print(error)
    """
    output = run(code, VERL_USE_EXTERNAL_PLUGINS="none")
    missing = "reward manager 'speciarl', agent loop 'speciarl'"
    assert f"the speciarl_verl plugin did not load ({missing}): run `speciarl doctor`" in output
