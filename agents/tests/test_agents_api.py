def test_a_created_agent_is_answered_whole(api):
    response = api.post("/api/v1/agents/", {"name": "Shipping desk"}, format="json")
    assert response.status_code == 201, response.content
