app_name = "widget"

urlpatterns = []
