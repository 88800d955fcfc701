def test_list(session):
    assert session.get("/list", name="/list").status_code == 200
