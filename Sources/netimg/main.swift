print("netimg")
