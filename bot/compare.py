def compare_url(repo_url: str, provider: str | None, old: str, new: str) -> str | None:
    return None
